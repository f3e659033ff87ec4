// No include guard. Included before the kernels of an x86 instruction set; x86_end.hpp is included after them.
#if defined(__GNUC__) && !defined(__clang__)
// Passes that take a sixth of the compile time and leave kernels, which are unrolled by hand, as fast without.
#  pragma GCC push_options
#  pragma GCC optimize("no-tree-pre,no-tree-vrp,no-tree-pta,no-tree-dominator-opts,no-tree-slp-vectorize")
#  pragma GCC optimize("no-ipa-cp,no-ipa-icf,no-ipa-sra,no-schedule-insns2")
// g++ 12 warns about undefined vectors in its own intrinsics
#  pragma GCC diagnostic push
#  pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#  pragma GCC diagnostic ignored "-Wuninitialized"
#endif
