# A shim: npm install without a prebuild comes here, and CMake does the work (CMakeLists.txt).
{
  'targets': [{
    'target_name': 'cmake_build',
    'type': 'none',
    'actions': [{
      'action_name': 'run_cmake',
      'inputs': ['CMakeLists.txt'],
      'outputs': ['<(PRODUCT_DIR)/.always-run'],
      'action': ['node', 'scripts/build-native.js', '<(PRODUCT_DIR)', '<(CONFIGURATION_NAME)'],
    }],
  }],
}
