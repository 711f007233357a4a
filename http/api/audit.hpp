#pragma once

#include <string_view>

#include "actors/ports/admin_port.hpp"
#include "http/edge/message.hpp"

namespace factory {

/// Returns the answer, and records the request in the audit log when the answer is complete.
http_response audited(admin_port& behind, http_response answer, const http_request& request, std::string_view who);

}  // namespace factory
