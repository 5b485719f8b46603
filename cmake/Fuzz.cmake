# Each fuzz/fuzz_<name>.c defines LLVMFuzzerTestOneInput. With STRATA_FUZZ it becomes a libFuzzer program;
# in every other build it is linked with a small main that replays the corpus, and is the ctest fuzz.<name>.

file(GLOB FUZZ_SOURCES CONFIGURE_DEPENDS fuzz/fuzz_*.c)
file(GLOB FUZZ_SUPPORT CONFIGURE_DEPENDS fuzz/support*.c)
foreach(file IN LISTS FUZZ_SOURCES)
    get_filename_component(target ${file} NAME_WE)
    string(REGEX REPLACE "^fuzz_" "" name ${target})
    # The scenario reader is there only where libyaml and jansson are.
    if(NOT HAVE_SCENARIO AND name MATCHES "^(scenario|json)")
        continue()
    endif()
    # The entry point is declared by libFuzzer alone, which has no header for C.
    set_source_files_properties(${file} PROPERTIES COMPILE_OPTIONS -Wno-missing-prototypes)
    if(STRATA_FUZZ)
        add_executable(${target} ${file} ${FUZZ_SUPPORT})
        target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    else()
        add_executable(${target} ${file} ${FUZZ_SUPPORT} fuzz/replay_main.c)
        add_test(NAME fuzz.${name} COMMAND ${target} ${PROJECT_SOURCE_DIR}/fuzz/corpus/${name})
        apply_directives(fuzz.${name} ${file} 120 "fuzz;unit")
    endif()
    target_link_libraries(${target} PRIVATE strata_everything)
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
endforeach()
