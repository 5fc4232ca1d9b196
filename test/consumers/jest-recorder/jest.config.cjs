module.exports = { preset: '@qa/jest-preset' };
