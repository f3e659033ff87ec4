# What octet's own programs and tests share.

add_library(octet_warnings INTERFACE)
target_compile_options(octet_warnings INTERFACE -Wall -Wextra -Wconversion -Wshadow $<$<BOOL:${OCTET_WERROR}>:-Werror>)

# Only the kernels are optimized then: compiling takes longer than running the tests.
if(OCTET_SANITIZE)
  add_compile_options(-fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all -fno-omit-frame-pointer -g1 -UNDEBUG -O0)
  add_link_options(-fsanitize=address,undefined,float-cast-overflow)
endif()

# octet_require(NAME ...): fails, telling what to install, where one of these libraries was not found.
function(octet_require)
  foreach(name ${ARGN})
    if(NOT TARGET octet::${name})
      list(APPEND missing ${name})
    endif()
  endforeach()
  if(missing)
    include("${CMAKE_CURRENT_FUNCTION_LIST_DIR}/packages.cmake")
    foreach(entry ${octet_packages})
      separate_arguments(entry UNIX_COMMAND "${entry}")
      list(GET entry 0 name)
      list(GET entry 2 package)
      if(name IN_LIST missing)
        list(APPEND packages ${package})
      endif()
    endforeach()
    list(JOIN packages " " packages)
    message(FATAL_ERROR "Not found: ${missing}. On Debian and Ubuntu: apt-get install ${packages}")
  endif()
endfunction()
