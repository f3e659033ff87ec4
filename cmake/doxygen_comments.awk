# For Doxygen: comments behind declarations ("int threads = 0;  // 0: one a processor"), and the lines that continue
# them, become documentation of what is declared there.
{
  own_line = $0 ~ /^[ \t]*\/\/ /
  if (match($0, /[;,{}>)a-z0-9][ \t]+\/\/ /) && $0 !~ /^[ \t]*\/\// && $0 !~ /"[^"]*\/\/[^"]*"/) {
    sub(/\/\/ /, "///< ")
    continues = 1
  } else if (own_line && continues) {
    sub(/\/\/ /, "///< ")
  } else {
    continues = 0
  }
  print
}
