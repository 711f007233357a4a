#pragma once

#include <spdlog/spdlog.h>

#include <caf/all.hpp>
#include <exception>
#include <string>

namespace factory {

/// An exception in a handler ends the actor with an error that the supervisor sees, and a line in the log that says whose.
template <class Self>
void fail_loudly(Self* self, std::string who) {
  self->set_exception_handler([who = std::move(who)](std::exception_ptr& thrown) -> caf::error {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& e) {
      spdlog::error("{} failed: {}", who, e.what());
    } catch (...) {
      spdlog::error("{} failed with an unknown exception", who);
    }
    return caf::sec::runtime_error;
  });
}

}  // namespace factory
