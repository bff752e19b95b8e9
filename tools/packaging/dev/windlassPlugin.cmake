# windlass_add_plugin(NAME source...): the target NAME, a plug-in NAME.so. Only what Windlass asks for is visible
# outside of it, so that two plug-ins do not get at each other's functions of the same name.
function(windlass_add_plugin name)
  add_library(${name} MODULE ${ARGN})
  set_target_properties(${name} PROPERTIES
    PREFIX ""
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON)
  target_link_libraries(${name} PRIVATE windlass::windlass)
  target_link_options(${name} PRIVATE LINKER:-z,now)
  # A function that does not exist is an error now, not when the plug-in is loaded. Not for clang, whose sanitizers are
  # in the program alone.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_link_options(${name} PRIVATE LINKER:-z,defs)
  endif()
endfunction()
