// Both run the same tests with the same transformer; only the environment and the setup differ.
const preset = require('@qa/jest-preset/jest-preset');
const { transform } = preset.default ?? preset;
module.exports =
  process.env.PLAIN === '1' ? { testEnvironment: 'node', transform } : { preset: '@qa/jest-preset', testTimeout: 5000 };
