#include <octet/octet.hpp>

int main() {}
