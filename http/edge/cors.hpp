#pragma once

#include <string>

#include "http/edge/message.hpp"

namespace factory {

/// Lets pages of other origins call (https://fetch.spec.whatwg.org/#http-cors-protocol). `origins` is a list with commas, such as
/// "https://plant.example,http://10.0.0.5:8000", or "*"; empty leaves the handler as it is. A preflight is answered without calling
/// the handler. No cookies are used here, so none are allowed.
http_handler with_cors(http_handler inner, const std::string& origins);

}  // namespace factory
