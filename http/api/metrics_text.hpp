#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "actors/ports/admin_port.hpp"
#include "http/edge/message.hpp"
#include "http/edge/request_counters.hpp"
#include "http/edge/router.hpp"
#include "http/notify/notifier.hpp"

namespace factory {

/// A gateway's counts apart from its answers.
struct gateway_figures {
  std::uint64_t connections = 0;          ///< open now
  std::uint64_t connections_refused = 0;  ///< too many
  std::uint64_t limited_by_address = 0, limited_by_token = 0;
};
using gateway_counts = std::function<gateway_figures()>;

/// The Prometheus text of /metrics; without an engine (not yet serving, or the anomaly service) only the gateway's part, and
/// `notified` where notifications are sent.
std::string metrics_text(const std::optional<engine_metrics>& figures, const gateway_figures& gateway,
                         const std::vector<route>& routes, const request_counters& requests,
                         const std::optional<notify_figures>& notified = {});
http_response metrics_answer(std::string text);

}  // namespace factory
