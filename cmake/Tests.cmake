# Unit tests (C) and the tests that are scripts: real peers, the house rules, the tool.

set(TEST_ENVIRONMENT
    STRATA=${CMAKE_BINARY_DIR}/strata STRATA_BUILD=${CMAKE_BINARY_DIR} STRATA_SOURCE=${PROJECT_SOURCE_DIR}
    PYTHONDONTWRITEBYTECODE=1)

file(GLOB_RECURSE TEST_SOURCES CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/tests tests/*.c)
list(SORT TEST_SOURCES)
set(TEST_HELPERS ${TEST_SOURCES})
list(FILTER TEST_HELPERS EXCLUDE REGEX "(^|/)test_[^/]*\\.c$")
list(FILTER TEST_SOURCES INCLUDE REGEX "(^|/)test_[^/]*\\.c$")

# Sources beside the tests of a room serve all tests of that room; those in tests/support serve every test.
foreach(helper IN LISTS TEST_HELPERS)
    get_filename_component(room ${helper} DIRECTORY)
    string(REPLACE "/" "_" room "${room}")
    list(APPEND HELPERS_${room} ${PROJECT_SOURCE_DIR}/tests/${helper})
    list(APPEND HELPER_ROOMS ${room})
endforeach()
list(REMOVE_DUPLICATES HELPER_ROOMS)
foreach(room IN LISTS HELPER_ROOMS)
    add_library(testlib_${room} STATIC ${HELPERS_${room}})
    target_link_libraries(testlib_${room} PUBLIC strata_lab strata_internal)
endforeach()

foreach(source IN LISTS TEST_SOURCES)
    get_filename_component(room ${source} DIRECTORY)
    get_filename_component(name ${source} NAME_WE)
    string(REGEX REPLACE "^test_" "" name ${name})
    string(REPLACE "/" "_" room_id "${room}")
    string(REPLACE "/" "." room_name "${room}")
    set(file ${PROJECT_SOURCE_DIR}/tests/${source})
    # The scenario reader is there only where libyaml and jansson are.
    if(NOT HAVE_SCENARIO AND name MATCHES "^(scenario|json)")
        continue()
    endif()
    set(target test_${room_id}_${name})
    add_executable(${target} ${file})
    if(name MATCHES "^programs") # those that find programs of examples/ by name
        target_sources(${target} PRIVATE $<TARGET_OBJECTS:example_programs>)
    endif()
    target_link_libraries(${target} PRIVATE $<TARGET_NAME_IF_EXISTS:testlib_${room_id}>
        $<TARGET_NAME_IF_EXISTS:testlib_support> strata_everything)
    if(room STREQUAL "posix") # those that load the library as a program of others does
        target_link_libraries(${target} PRIVATE strata_posix ${CMAKE_DL_LIBS})
        add_dependencies(${target} strata_packetdrill)
    endif()
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    add_test(NAME ${room_name}.${name} COMMAND ${target} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    apply_directives(${room_name}.${name} ${file} 120 "unit;${room_name}")
    set_tests_properties(${room_name}.${name} PROPERTIES ENVIRONMENT "${TEST_ENVIRONMENT}")
endforeach()

# Scripts run on the machine that built, through a wrapper that lets no skip pass unseen.
if(CMAKE_CROSSCOMPILING)
    return()
endif()
foreach(pair "peers;peer" "house;house" "tool;tool" "lab;lab" "page;page")
    list(GET pair 0 folder)
    list(GET pair 1 label)
    file(GLOB scripts CONFIGURE_DEPENDS tests/${folder}/*.py tests/${folder}/*.sh)
    foreach(file IN LISTS scripts)
        get_filename_component(name ${file} NAME_WE)
        if(name MATCHES "^_")
            continue()
        endif()
        string(REGEX REPLACE "^test_" "" name ${name})
        set(test ${label}.${name})
        add_test(NAME ${test} COMMAND ${PROJECT_SOURCE_DIR}/tests/run_script.sh ${file}
                 WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
        apply_directives(${test} ${file} 180 "script;${label}")
        set_tests_properties(${test} PROPERTIES ENVIRONMENT "${TEST_ENVIRONMENT}")
    endforeach()
endforeach()

# An example in C that builds a world of its own checks what comes of it, and must end ok.
file(GLOB_RECURSE worlds CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/examples examples/*.c)
foreach(source IN LISTS worlds)
    file(STRINGS ${PROJECT_SOURCE_DIR}/examples/${source} uses_lab REGEX "#include [<\"]strata/lab\\.h")
    if(uses_lab)
        string(REGEX REPLACE "\\.c$" "" name ${source})
        string(REPLACE "/" "_" target ${name})
        string(REPLACE "/" "." name ${name})
        add_test(NAME example.${name}.c COMMAND example_${target} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
        apply_directives(example.${name}.c ${PROJECT_SOURCE_DIR}/examples/${source} 60 "example")
    endif()
endforeach()

# Every scenario under examples/ must end ok.
if(HAVE_SCENARIO AND TARGET strata_tool)
    file(GLOB_RECURSE scenarios CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/examples examples/*.yaml)
    list(FILTER scenarios EXCLUDE REGEX "/parts/") # which others include
    foreach(scenario IN LISTS scenarios)
        string(REGEX REPLACE "\\.yaml$" "" name ${scenario})
        string(REPLACE "/" "." name ${name})
        add_test(NAME example.${name} COMMAND strata_tool lab ${PROJECT_SOURCE_DIR}/examples/${scenario}
                 WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
        apply_directives(example.${name} ${PROJECT_SOURCE_DIR}/examples/${scenario} 60 "example")
    endforeach()
endif()
