# What `cmake --install` puts in place: headers, both libraries, pkg-config file, CMake package, tool, man page.

include(CMakePackageConfigHelpers)
# strata/lab.h belongs to the laboratory, which is not installed.
install(DIRECTORY include/strata DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    FILES_MATCHING PATTERN "*.h" PATTERN "lab.h" EXCLUDE)
install(FILES ${STRATA_ARCHIVE} DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS strata_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET strata_tool)
    install(TARGETS strata_tool RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
if(EXISTS ${PROJECT_SOURCE_DIR}/docs/man/strata.1)
    install(FILES docs/man/strata.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endif()

# Relative to its own place, so that `cmake --install --prefix` may choose another one.
file(RELATIVE_PATH STRATA_PC_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/strata.pc.in ${CMAKE_BINARY_DIR}/strata.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/strata.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(FILES docs/scenario.schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/strata)

set(STRATA_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/Strata)
configure_package_config_file(cmake/StrataConfig.cmake.in ${CMAKE_BINARY_DIR}/StrataConfig.cmake
    INSTALL_DESTINATION ${STRATA_CMAKE_DIR} PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/StrataConfigVersion.cmake
    VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/StrataConfig.cmake ${CMAKE_BINARY_DIR}/StrataConfigVersion.cmake
    DESTINATION ${STRATA_CMAKE_DIR})
