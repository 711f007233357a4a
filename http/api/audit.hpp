#pragma once

#include <string_view>

#include "actors/engine/engine.hpp"
#include "http/edge/message.hpp"

namespace factory {

/// The answer, and what was asked in the audit log once it is complete.
http_response audited(engine& behind, http_response answer, const http_request& request, std::string_view who);

}  // namespace factory
