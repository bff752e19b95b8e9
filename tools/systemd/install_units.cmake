# Writes the units for the prefix of this installation. Runs inside cmake_install.cmake.
include(${WINDLASS_SOURCE_DIR}/tools/packaging/installed_path.cmake)
installed_path(UNIT_SBINDIR ${WINDLASS_SBINDIR})
installed_path(config_directory ${WINDLASS_SYSCONFDIR}/windlass)
set(unit_sources ${WINDLASS_SOURCE_DIR}/tools/systemd)
set(unit_work ${WINDLASS_BINARY_DIR}/installed/systemd)

# The service and the template of instances are one file but for names and places. DIRECTORY is also the name of the
# user: another one for each instance, so that what breaks out of a handler reaches only its own.
function(write_service UNIT)
  cmake_parse_arguments(UNIT "" "DESCRIPTION;CONFIG;DIRECTORY;CTL_OPTION" "" ${ARGN})
  configure_file(${unit_sources}/windlass.service.in ${unit_work}/${UNIT} @ONLY)
endfunction()

write_service(windlass.service
  DESCRIPTION "Windlass worker-pool server"
  CONFIG ${config_directory}/windlass.toml
  DIRECTORY windlass)
write_service(windlass@.service
  DESCRIPTION "Windlass worker-pool server, instance %i"
  CONFIG ${config_directory}/%i.toml
  DIRECTORY windlass-%i
  CTL_OPTION " --instance=%i")

file(INSTALL ${unit_work}/windlass.service ${unit_work}/windlass@.service ${unit_sources}/windlass.socket
  DESTINATION ${CMAKE_INSTALL_PREFIX}/lib/systemd/system)
