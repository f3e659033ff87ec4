// No include guard. See x86_begin.hpp.
#if defined(__GNUC__) && !defined(__clang__)
#  pragma GCC diagnostic pop
#  pragma GCC pop_options
#endif
