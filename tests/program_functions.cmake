# Shared by the tests of programs. PROGRAM is the path of the program; FOLDER is a folder that is recreated for the test.
get_filename_component(NAME "${PROGRAM}" NAME_WE)
file(REMOVE_RECURSE "${FOLDER}")
file(MAKE_DIRECTORY "${FOLDER}")

# octet(ok|fails arguments ...): runs the program; sets `out` and `err` to its output.
function(octet outcome)
  execute_process(COMMAND "${PROGRAM}" ${ARGN} WORKING_DIRECTORY "${FOLDER}" RESULT_VARIABLE status OUTPUT_VARIABLE out
                  ERROR_VARIABLE err)
  list(JOIN ARGN " " line)
  if(outcome STREQUAL "ok" AND NOT status EQUAL 0)
    message(FATAL_ERROR "${NAME} ${line}: status ${status}\n${out}${err}")
  elseif(outcome STREQUAL "fails" AND NOT status MATCHES "^[12]$")  # a crash has no exit status
    message(FATAL_ERROR "${NAME} ${line}: status ${status}, expected 1 or 2\n${out}${err}")
  endif()
  set(line "${line}" PARENT_SCOPE)
  set(out "${out}" PARENT_SCOPE)
  set(err "${err}" PARENT_SCOPE)
endfunction()

# says(out|err texts ...): checks that each text occurs literally.
function(says where)
  foreach(text ${ARGN})
    string(FIND "${${where}}" "${text}" at)
    if(at EQUAL -1)
      message(FATAL_ERROR "${NAME} ${line}: '${text}' is missing in\n${${where}}")
    endif()
  endforeach()
endfunction()

# refuses("texts;..." arguments ...): checks that the program fails with a one-line error that contains the texts.
function(refuses texts)
  octet(fails ${ARGN})
  says(err "${NAME}: " ${texts})
  string(REGEX MATCHALL "\n" lines "${err}")
  list(LENGTH lines lines)
  if(NOT lines EQUAL 1 OR NOT out STREQUAL "")
    message(FATAL_ERROR "${NAME} ${line}: not one line of error, but\n${out}${err}")
  endif()
endfunction()

# binary(FILE escapes ...): writes bytes given as printf escapes.
function(binary file)
  string(CONCAT escapes ${ARGN})
  get_filename_component(folder "${FOLDER}/${file}" DIRECTORY)
  file(MAKE_DIRECTORY "${folder}")
  execute_process(COMMAND printf "${escapes}" OUTPUT_FILE "${FOLDER}/${file}" COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# image(FILE BYTE): writes a BMP file of 8 x 8 pixels with one brightness.
function(image file value)
  string(REPEAT "\\x${value}" 192 pixels)
  binary("${file}" "BM\\xf6\\0\\0\\0\\0\\0\\0\\0\\x36\\0\\0\\0\\x28\\0\\0\\0\\x08\\0\\0\\0\\x08\\0\\0\\0\\x01\\0\\x18\\0"
         "\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0" "${pixels}")
endfunction()

# npy(FILE TYPE SHAPE escapes ...): writes a .npy file whose elements are given as printf escapes.
function(npy file type shape)
  set(header "{'descr': '${type}', 'fortran_order': False, 'shape': (${shape}), }")
  string(LENGTH "${header}" n)
  math(EXPR spaces "117 - ${n}")
  string(REPEAT " " ${spaces} spaces)
  binary("${file}" "\\x93NUMPY\\x01\\0\\x76\\0" "${header}${spaces}" "\\n" ${ARGN})
endfunction()

# class_folders(): creates data/cat and data/dog with two images each.
function(class_folders)
  image(data/cat/1.bmp 10)
  image(data/cat/2.bmp 30)
  image(data/dog/1.bmp c0)
  image(data/dog/2.bmp f0)
  file(WRITE "${FOLDER}/names.txt" "cat\ndog\n2\n3\n4\n5\n6\n7\n8\n9\n")
endfunction()
