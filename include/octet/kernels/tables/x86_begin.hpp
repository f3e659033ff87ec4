// No include guard. Included before the kernels of an x86 instruction set; x86_end.hpp is included after them.
#if defined(__GNUC__) && !defined(__clang__)  // g++ 12 warns about undefined vectors in its own intrinsics
#  pragma GCC diagnostic push
#  pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#  pragma GCC diagnostic ignored "-Wuninitialized"
#endif
