// No include guard. See arm_begin.hpp.
#if !defined(__clang__)
#  pragma GCC pop_options
#endif
