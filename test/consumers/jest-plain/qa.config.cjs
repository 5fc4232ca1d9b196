module.exports = require('@qa/jest-preset').defineConfig({ connections: {} });
