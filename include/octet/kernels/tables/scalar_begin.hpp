// No include guard. Included before the scalar kernels; scalar_end.hpp is included after them.
// Their vectors are loops, so unrolling and inlining would only cost compile time.
#pragma push_macro("OCTET_UNROLL")
#pragma push_macro("OCTET_INLINE")
#undef OCTET_UNROLL
#undef OCTET_INLINE
#define OCTET_UNROLL
#define OCTET_INLINE inline
