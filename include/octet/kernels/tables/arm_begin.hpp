// No include guard. Included before the kernels of an AArch64 instruction set; arm_end.hpp is included after them.
#if !defined(__clang__)  // g++ 12 would move so many loads forward that accumulators are spilled
#  pragma GCC push_options
#  pragma GCC optimize("no-schedule-insns")
#endif
