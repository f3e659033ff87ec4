# Compiles each header of a list by itself with OCTET_COMPILED. With HEADER_ONLY, also compiles headers with definitions
# (.inl) in header-only use.
#   cmake -DHEADERS=a.hpp;b.hpp -DINCLUDE=include/octet -DCXX=... "-DINCLUDES=-I..." -DFOLDER=... -DHEADER_ONLY=OFF \
#     -P headers.cmake
cmake_minimum_required(VERSION 3.20)
file(MAKE_DIRECTORY "${FOLDER}")
foreach(header ${HEADERS})
  string(MAKE_C_IDENTIFIER "${header}" name)
  file(WRITE "${FOLDER}/${name}.cpp" "#include <octet/${header}>\n")
  set(uses -DOCTET_COMPILED)
  string(REGEX REPLACE "hpp$" "inl" definitions "${header}")
  if(HEADER_ONLY AND EXISTS "${INCLUDE}/${definitions}")
    list(APPEND uses -UOCTET_COMPILED)
  endif()
  foreach(use ${uses})
    execute_process(COMMAND "${CXX}" -std=c++17 -fsyntax-only -Wall -Wextra ${use} ${INCLUDES} "${FOLDER}/${name}.cpp"
                    RESULT_VARIABLE result)
    if(NOT result EQUAL 0)
      list(APPEND failed "${header} (${use})")
    endif()
  endforeach()
endforeach()
if(failed)
  message(FATAL_ERROR "do not compile by themselves: ${failed}")
endif()
