#pragma once

#include <string>

#include "http/api/api_call.hpp"

namespace factory {

/// The OpenAPI 3.1 document of a table of calls. Schemas and parameters are in openapi_components.json.
std::string openapi_document(const api_table& calls);

}  // namespace factory
