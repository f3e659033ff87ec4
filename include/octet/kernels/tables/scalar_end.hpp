// No include guard. See scalar_begin.hpp.
#pragma pop_macro("OCTET_UNROLL")
#pragma pop_macro("OCTET_INLINE")
