// No include guard. Before the scalar kernels; scalar_end.hpp follows them.
// Its vectors are loops already: unrolling and inlining them would only take time.
#pragma push_macro("OCTET_UNROLL")
#pragma push_macro("OCTET_INLINE")
#undef OCTET_UNROLL
#undef OCTET_INLINE
#define OCTET_UNROLL
#define OCTET_INLINE inline
