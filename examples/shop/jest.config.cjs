module.exports = { preset: '@qa/jest-preset', roots: ['<rootDir>/tests'] };
