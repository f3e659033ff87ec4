# Tells how many public names have no comment, and what else Doxygen found; see WARNINGS, the file it wrote.
file(READ "${WARNINGS}" text)
string(REGEX MATCHALL "warning: [^\n]* is not documented" undocumented "${text}")
string(REGEX MATCHALL "(warning|error): " all "${text}")
list(LENGTH undocumented names)
list(LENGTH all count)
math(EXPR others "${count} - ${names}")
message(STATUS "${names} public names without a comment, ${others} other warnings: ${WARNINGS}")
