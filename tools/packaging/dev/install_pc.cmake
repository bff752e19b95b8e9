# Writes windlass.pc for the prefix of this installation. Runs inside cmake_install.cmake.
include(${WINDLASS_SOURCE_DIR}/tools/packaging/installed_path.cmake)
installed_path(pc_includedir ${WINDLASS_INCLUDEDIR})
set(pc ${WINDLASS_BINARY_DIR}/installed/windlass.pc)
configure_file(${WINDLASS_SOURCE_DIR}/tools/packaging/dev/windlass.pc.in ${pc} @ONLY)
# Not below lib: headers are the same for every machine.
file(INSTALL ${pc} DESTINATION ${CMAKE_INSTALL_PREFIX}/share/pkgconfig)
