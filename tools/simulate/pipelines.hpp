#pragma once

#include "client/api_client.hpp"

namespace factory {

/// Creates the pipelines of the simulated plant (docs/how-to/pipelines.md), and the rule on what one of them computes, as far as they are not
/// there. Before the readings: a pipeline computes from what comes after it.
expected<void> ensure_pipelines(api_client& api);

}  // namespace factory
