# Where a folder is in the installation that runs now, whose prefix (`cmake --install --prefix`, the package's /usr) may
# be another than the one that was configured. As GNUInstallDirs has it: for /usr, etc is /etc.
# For scripts that run inside cmake_install.cmake.
function(installed_path result folder)
  if(IS_ABSOLUTE ${folder})
    set(path ${folder})
  elseif(CMAKE_INSTALL_PREFIX STREQUAL "/usr" AND folder MATCHES "^etc(/|$)")
    set(path /${folder})
  else()
    set(path ${CMAKE_INSTALL_PREFIX}/${folder})
  endif()
  set(${result} ${path} PARENT_SCOPE)
endfunction()
