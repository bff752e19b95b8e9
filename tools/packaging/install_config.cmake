# The configuration of the service. One that is there is the operator's and stays. Runs inside cmake_install.cmake.
include(${WINDLASS_SOURCE_DIR}/tools/packaging/installed_path.cmake)
installed_path(config_directory ${WINDLASS_SYSCONFDIR}/windlass)
if(EXISTS $ENV{DESTDIR}${config_directory}/windlass.toml)
  message(STATUS "Kept: $ENV{DESTDIR}${config_directory}/windlass.toml")
else()
  file(INSTALL ${WINDLASS_SOURCE_DIR}/tools/packaging/windlass.toml DESTINATION ${config_directory})
endif()
