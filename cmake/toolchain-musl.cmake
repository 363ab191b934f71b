# Static programs with musl's libc, by musl-gcc. scripts/musl-deps.sh has built the libraries and says
# where; the host's own are never looked at.
set(CMAKE_SYSTEM_NAME Linux)
find_program(MUSL_GCC musl-gcc DOC "musl's compiler (Debian: musl-tools)")
if(NOT CMAKE_C_COMPILER)
	set(CMAKE_C_COMPILER ${MUSL_GCC})
endif()
execute_process(COMMAND ${CMAKE_CURRENT_LIST_DIR}/../scripts/musl-deps.sh --print
	OUTPUT_VARIABLE musl_prefix OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
if(NOT EXISTS ${musl_prefix}/.complete)
	message(FATAL_ERROR "${musl_prefix} has no libraries: run scripts/musl-deps.sh")
endif()
set(CMAKE_FIND_ROOT_PATH ${musl_prefix})
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(ENV{PKG_CONFIG_LIBDIR} ${musl_prefix}/lib/pkgconfig)
set(CMAKE_C_FLAGS_INIT "-isystem ${musl_prefix}/include")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static")
# What it builds runs here as it is.
set(CMAKE_CROSSCOMPILING_EMULATOR /usr/bin/env)
