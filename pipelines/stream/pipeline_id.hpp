#pragma once

#include <cstdint>

namespace factory {

using pipeline_id = std::uint32_t;  ///< 1 up

}  // namespace factory
