#pragma once

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <caf/all.hpp>
#include <cstdint>
#include <exception>
#include <string>

namespace factory {

/// Makes an exception in a handler end the actor with an error that the supervisor sees, and a log line that names the actor: `who` (a
/// literal) and its number among many. The two take no extra memory per sensor.
template <class Self>
void fail_loudly(Self* self, const char* who, std::uint32_t which = 0) {
  self->set_exception_handler([who, which](std::exception_ptr& thrown) -> caf::error {
    const auto name = which == 0 ? std::string(who) : fmt::format("{} {}", who, which);
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& e) {
      spdlog::error("{} failed: {}", name, e.what());
    } catch (...) {
      spdlog::error("{} failed with an unknown exception", name);
    }
    return caf::sec::runtime_error;
  });
}

}  // namespace factory
