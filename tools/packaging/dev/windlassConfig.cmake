include(CMakeFindDependencyMacro)
find_dependency(absl CONFIG)
include(${CMAKE_CURRENT_LIST_DIR}/windlassTargets.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/windlassPlugin.cmake)
