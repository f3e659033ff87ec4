# Compiles each header of one folder (and those below) by itself.
#   cmake -DHEADERS=a.hpp;b.hpp -DCXX=... "-DINCLUDES=-I..." -DFOLDER=... -P headers.cmake
file(MAKE_DIRECTORY "${FOLDER}")
foreach(header ${HEADERS})
  string(MAKE_C_IDENTIFIER "${header}" name)
  file(WRITE "${FOLDER}/${name}.cpp" "#include <octet/${header}>\n")
  execute_process(COMMAND "${CXX}" -std=c++17 -fsyntax-only -Wall -Wextra -DOCTET_COMPILED ${INCLUDES}
                          "${FOLDER}/${name}.cpp" RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    list(APPEND failed ${header})
  endif()
endforeach()
if(failed)
  message(FATAL_ERROR "do not compile by themselves: ${failed}")
endif()
