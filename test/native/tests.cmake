# One executable per test/native/*_test.cpp and its CTest entries: plain, on the CPU; cuda_… and race_… (labels cuda and
# race), on an emulated device, without and with its check for races; gpu_… (label gpu), on a real one. Only tests of
# kernels, which ask for tables, run on devices; those of products a second time, as …_tf32, with numbers rounded to
# tf32.
enable_testing()
file(GLOB native_tests CONFIGURE_DEPENDS test/native/*_test.cpp)
add_library(device_table STATIC test/native/device_table.cpp)
target_link_libraries(device_table PUBLIC core)

# The known debts; a test of a kernel that is none of them fails if the kernel is missing.
set(debts ${CMAKE_CURRENT_SOURCE_DIR}/cuda/unsupported.cu)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${debts})
file(STRINGS ${debts} unsupported REGEX "^NR_UNSUPPORTED")
string(REGEX REPLACE "NR_UNSUPPORTED\\(([a-z0-9_]+)[^;]*" "\\1" unsupported "${unsupported}")
string(REPLACE ";" "," unsupported "${unsupported}")

add_custom_target(device_tests)  # those that run on devices

foreach(source ${native_tests})
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE device_table core)
  # Sanitizers look at the core, also where it reads and writes a test's tensors; references only take time. But tests
  # of the runtime instantiate its headers.
  if(NEURITE_SANITIZE AND NOT name MATCHES "^(accelerator|allocator|queue|stream|thread_pool)_test$")
    target_compile_options(${name} PRIVATE -fno-sanitize=all -O2)
  endif()
  string(REGEX MATCH "^device_" needs_device ${name})
  file(STRINGS ${source} uses_tables REGEX "each_isa\\(|tables\\(\\)" LIMIT_COUNT 1)
  if(NOT needs_device)
    add_test(NAME ${name} COMMAND ${name})
  endif()
  if(uses_tables OR needs_device)
    add_dependencies(device_tests ${name})
  endif()
  foreach(kind cuda race gpu)
    set(library_cuda neurite_cuda_emulated)
    set(library_race neurite_cuda_race)
    set(library_gpu neurite_cuda)
    if((uses_tables OR needs_device) AND TARGET ${library_${kind}})
      add_test(NAME ${kind}_${name} COMMAND ${name})
      set(environment
        "NEURITE_TEST_LIBRARY=$<TARGET_FILE:${library_${kind}}>;NEURITE_TEST_ALLOW_UNSUPPORTED=${unsupported}")
      set_tests_properties(${kind}_${name} PROPERTIES LABELS ${kind} ENVIRONMENT "${environment}")
      # The checks for overruns and races take long, and tf32 is the same kernels with another product.
      if(name MATCHES "^(attention|conv|matmul|recurrent)_test$" AND NOT kind STREQUAL race AND NOT NEURITE_SANITIZE)
        add_test(NAME ${kind}_${name}_tf32 COMMAND ${name})
        set_tests_properties(${kind}_${name}_tf32 PROPERTIES LABELS ${kind} ENVIRONMENT
                             "${environment};NEURITE_TEST_PRECISION=high")
      endif()
    endif()
  endforeach()
endforeach()

if(TARGET neurite_cuda_emulated)
  add_subdirectory(test/cuda)
endif()
