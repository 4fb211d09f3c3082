// TypeScript sources straight from lib/, translated per file by swc; the addon is the one in build/Release.
// On the device that NEURITE_TEST_DEVICE names, tests that make tensors without saying where make them.
const isOnDevice = process.env.NEURITE_TEST_DEVICE !== undefined
module.exports = {
  testEnvironment: isOnDevice ? '<rootDir>/test/support/deviceEnvironment.js' : 'node',
  setupFilesAfterEnv: isOnDevice ? ['<rootDir>/test/support/device.ts'] : [],
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  modulePathIgnorePatterns: ['<rootDir>/build/', '<rootDir>/dist/'],
  moduleNameMapper: {
    '^neurite$': '<rootDir>/lib/index.ts',
  },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2022', parser: { syntax: 'typescript', explicitResourceManagement: true } } },
    ],
  },
}
