# The project's own code is built with these; lwIP is not (cmake/lwip.cmake).
add_library(gwd_flags INTERFACE)
target_compile_options(gwd_flags INTERFACE
	-Wall -Wextra -Wshadow -Wformat=2 -Wmissing-prototypes -Wstrict-prototypes
	-Wimplicit-fallthrough -Wconversion -Wno-sign-conversion -Wundef -Wpointer-arith
	-Wvla -Wwrite-strings -fno-common)
if(GWD_WERROR)
	target_compile_options(gwd_flags INTERFACE -Werror)
endif()
target_compile_definitions(gwd_flags INTERFACE _GNU_SOURCE GWD_VERSION="${PROJECT_VERSION}"
	GWD_RUN_DIR="${GWD_RUN_DIR}")

# Unused code of a room never reaches the binary.
add_compile_options(-ffunction-sections -fdata-sections)
add_link_options(-Wl,--gc-sections)

if(GWD_SANITIZE)
	add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all
		-fno-omit-frame-pointer)
	add_link_options(-fsanitize=address,undefined)
endif()
if(GWD_FUZZ)
	if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
		message(FATAL_ERROR "GWD_FUZZ needs clang (libFuzzer): use the preset \"clang\"")
	endif()
	# Coverage feedback for everything the fuzz targets link; the driver itself comes with them.
	add_compile_options(-fsanitize=fuzzer-no-link)
endif()
