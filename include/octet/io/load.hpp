#pragma once
#include "../import/load.hpp"
