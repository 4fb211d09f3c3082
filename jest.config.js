// TypeScript sources straight from lib/, translated per file by swc; the addon is the one in build/Release.
module.exports = {
  testEnvironment: 'node',
  // Tests that make tensors without saying where make them on this device.
  setupFilesAfterEnv: process.env.NEURITE_TEST_DEVICE ? ['<rootDir>/test/support/device.ts'] : [],
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
