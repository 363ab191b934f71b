# lwIP comes in as unpatched source, pinned by the checksum of its tarball. In this order:
#   -DLWIP_DIR=/unpacked/tree          a tree somebody unpacked (distributions, OpenWrt)
#   -DLWIP_TARBALL=/path/lwip_*.tar.*  a tarball, checked
#   the cache (LWIP_CACHE_DIR)         from an earlier fetch, checked
#   cmake/fetch-source.sh              Debian's source package of the newer suite, checked
set(LWIP_SHA256 83729c274c499d3348e9fbbe043a3113f3fa8953e7efddc7c21c7fcbb1f2b7b1)
set(LWIP_TARBALL_NAME lwip_2.2.1+dfsg1.orig.tar.xz)
set(LWIP_DIR "" CACHE PATH "unpacked lwIP source tree (no download, not verified)")
set(LWIP_TARBALL "" CACHE FILEPATH "lwIP source tarball ${LWIP_TARBALL_NAME}")
if(DEFINED ENV{XDG_CACHE_HOME})
	set(cache_home $ENV{XDG_CACHE_HOME})
elseif(DEFINED ENV{HOME})
	set(cache_home $ENV{HOME}/.cache)
else()
	set(cache_home ${PROJECT_BINARY_DIR}/cache)
endif()
set(LWIP_CACHE_DIR "${cache_home}/gwd" CACHE PATH "where the fetched lwIP tarball is kept")

function(gwd_lwip_verify tarball)
	file(SHA256 ${tarball} sum)
	if(NOT sum STREQUAL LWIP_SHA256)
		message(FATAL_ERROR "${tarball}: wrong checksum\n"
			"  expected ${LWIP_SHA256}\n  got      ${sum}\n"
			"Remove the file, or give lwIP 2.2.1 by -DLWIP_DIR= or -DLWIP_TARBALL=.")
	endif()
endfunction()

function(gwd_lwip_source out)
	if(LWIP_DIR)
		if(NOT EXISTS ${LWIP_DIR}/src/include/lwip/init.h)
			message(FATAL_ERROR "LWIP_DIR=${LWIP_DIR}: no lwIP tree (src/include/lwip/init.h is missing)")
		endif()
		set(${out} ${LWIP_DIR} PARENT_SCOPE)
		return()
	endif()
	if(LWIP_TARBALL)
		set(tarball ${LWIP_TARBALL})
		if(NOT EXISTS ${tarball})
			message(FATAL_ERROR "LWIP_TARBALL=${tarball}: no such file")
		endif()
	else()
		set(tarball ${LWIP_CACHE_DIR}/${LWIP_TARBALL_NAME})
		if(NOT EXISTS ${tarball})
			message(STATUS "Fetching ${LWIP_TARBALL_NAME}")
			execute_process(COMMAND sh ${PROJECT_SOURCE_DIR}/cmake/fetch-source.sh
				${LWIP_CACHE_DIR} lwip ${LWIP_TARBALL_NAME} ${LWIP_SHA256}
				RESULT_VARIABLE failed ERROR_VARIABLE why)
			if(failed)
				message(FATAL_ERROR "lwIP's source could not be fetched:\n${why}\n"
					"Without network give it by -DLWIP_TARBALL=/path/${LWIP_TARBALL_NAME} "
					"or an unpacked tree by -DLWIP_DIR=/path.")
			endif()
		endif()
	endif()
	gwd_lwip_verify(${tarball})
	set(unpacked ${PROJECT_BINARY_DIR}/lwip-${LWIP_SHA256})
	if(NOT EXISTS ${unpacked}/.complete)
		file(REMOVE_RECURSE ${unpacked})
		file(ARCHIVE_EXTRACT INPUT ${tarball} DESTINATION ${unpacked})
		file(TOUCH ${unpacked}/.complete)
	endif()
	file(GLOB init_h ${unpacked}/*/src/include/lwip/init.h)
	string(REPLACE /src/include/lwip/init.h "" tree ${init_h})
	set(${out} ${tree} PARENT_SCOPE)
endfunction()

gwd_lwip_source(LWIP_SOURCE)

# Filelists.cmake wants LWIP_DIR as a normal variable and defines a lot; keep it in a function.
function(gwd_lwip_library)
	set(LWIP_DIR ${LWIP_SOURCE})
	set(CMAKE_DISABLE_FIND_PACKAGE_Doxygen ON)
	set(CMAKE_MESSAGE_LOG_LEVEL WARNING) # it says that doxygen is missing
	include(${LWIP_SOURCE}/src/Filelists.cmake)
	add_library(lwip STATIC ${lwipcore_SRCS} ${lwipcore4_SRCS} ${lwipcore6_SRCS})
	target_include_directories(lwip SYSTEM PUBLIC ${LWIP_SOURCE}/src/include
		${PROJECT_SOURCE_DIR}/stack/port)
	target_compile_options(lwip PRIVATE -w)
endfunction()
gwd_lwip_library()
