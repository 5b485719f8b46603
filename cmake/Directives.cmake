# Small directives in the first 20 lines of a test, fuzzer or benchmark, in a comment of its language:
#
#   ctest: timeout 120            seconds after which the test is killed
#   ctest: label long             a further label: `long` runs only in make check-all, `os` not in 32-bit and emulated
#                                 builds, `no_valgrind` not under valgrind
#   ctest: resource_lock NAME     tests that name the same lock do not run at the same time
#   ctest: serial                 runs alone
#   build: needs lwip             a system library; without it the program is left out, with a message

# Sets <prefix>_TIMEOUT, _LABELS, _LOCKS, _SERIAL and _NEEDS in the caller. Configuring again is triggered
# by a change to a file that has directives.
function(read_directives file prefix)
    file(STRINGS ${file} lines LIMIT_COUNT 20 ENCODING UTF-8)
    set(timeout "")
    set(labels "")
    set(locks "")
    set(needs "")
    set(serial OFF)
    foreach(line IN LISTS lines)
        if(line MATCHES "^[ \t]*(#|//|/?\\*+|--)[ \t]*(ctest|build):[ \t]*([a-z_]+)[ \t]*([A-Za-z0-9_.-]*)")
            set(verb ${CMAKE_MATCH_3})
            set(value ${CMAKE_MATCH_4})
            set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
            if(verb STREQUAL "timeout")
                set(timeout ${value})
            elseif(verb STREQUAL "label")
                list(APPEND labels ${value})
            elseif(verb STREQUAL "resource_lock")
                list(APPEND locks ${value})
            elseif(verb STREQUAL "serial")
                set(serial ON)
            elseif(verb STREQUAL "needs")
                list(APPEND needs ${value})
            else()
                message(FATAL_ERROR "${file}: unknown directive '${verb}'")
            endif()
        endif()
    endforeach()
    set(${prefix}_TIMEOUT "${timeout}" PARENT_SCOPE)
    set(${prefix}_LABELS "${labels}" PARENT_SCOPE)
    set(${prefix}_LOCKS "${locks}" PARENT_SCOPE)
    set(${prefix}_NEEDS "${needs}" PARENT_SCOPE)
    set(${prefix}_SERIAL ${serial} PARENT_SCOPE)
endfunction()

# Gives a ctest its properties; `timeout` is what it gets when its file does not say.
function(apply_directives test file timeout labels)
    read_directives(${file} D)
    if(NOT D_TIMEOUT)
        set(D_TIMEOUT ${timeout})
    endif()
    if(STRATA_TEST_TIMEOUT AND D_TIMEOUT GREATER STRATA_TEST_TIMEOUT)
        set(D_TIMEOUT ${STRATA_TEST_TIMEOUT})
    endif()
    if(CMAKE_CROSSCOMPILING_EMULATOR)
        math(EXPR D_TIMEOUT "${D_TIMEOUT} * 10")
    endif()
    set_tests_properties(${test} PROPERTIES TIMEOUT ${D_TIMEOUT} LABELS "${labels};${D_LABELS}"
        SKIP_RETURN_CODE 77 RUN_SERIAL ${D_SERIAL})
    if(D_LOCKS)
        set_tests_properties(${test} PROPERTIES RESOURCE_LOCK "${D_LOCKS}")
    endif()
endfunction()

# Links the system libraries a source asked for; sets `ok` to OFF in the caller when one is missing.
function(find_needs needs libraries includes ok)
    set(found_libraries "")
    set(found_includes "")
    set(all ON)
    foreach(need IN LISTS needs)
        find_library(NEED_${need} ${need})
        if(NEED_${need})
            list(APPEND found_libraries ${NEED_${need}})
            if(EXISTS /usr/include/${need})
                list(APPEND found_includes /usr/include/${need})
            endif()
        else()
            set(all OFF)
        endif()
    endforeach()
    set(${libraries} "${found_libraries}" PARENT_SCOPE)
    set(${includes} "${found_includes}" PARENT_SCOPE)
    set(${ok} ${all} PARENT_SCOPE)
endfunction()
