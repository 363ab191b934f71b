# A room is one folder, one static library, one public header folder <room>/include/<room>.
#
# Arrows point one way: gwd -> {tun, stack, modem, config} -> util. A room sees only its own headers
# and util's, because nothing else is on its include path; the check below closes the remaining gap
# (relative paths out of the room), so that a cross-include always fails the build.
function(gwd_room name)
	cmake_parse_arguments(R "" "" "SOURCES;LIBS" ${ARGN})
	add_library(${name} STATIC ${R_SOURCES})
	target_include_directories(${name} PUBLIC include PRIVATE src)
	target_link_libraries(${name} PRIVATE gwd_flags ${R_LIBS})
	if(NOT name STREQUAL "util")
		target_link_libraries(${name} PUBLIC util)
	endif()
	add_dependencies(${name} check-includes)
endfunction()

add_custom_target(check-includes
	COMMAND ${CMAKE_COMMAND} -D ROOT=${PROJECT_SOURCE_DIR}
		-P ${PROJECT_SOURCE_DIR}/cmake/check-includes.cmake
	COMMENT "Checking that no room includes another" VERBATIM)
