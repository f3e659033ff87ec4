// No include guard. Before the kernels of an AArch64 instruction set; arm_end.hpp follows them.
#if !defined(__clang__)  // g++ 12 would move so many loads ahead that accumulators go to the stack
#  pragma GCC push_options
#  pragma GCC optimize("no-schedule-insns")
#endif
