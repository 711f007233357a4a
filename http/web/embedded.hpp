#pragma once

#include <string_view>

namespace factory {

// Files of this room that the build puts into the program (http/CMakeLists.txt).
extern const std::string_view index_page;          ///< web/index.html
extern const std::string_view openapi_components;  ///< openapi_components.json

}  // namespace factory
