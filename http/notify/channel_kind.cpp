#include "http/notify/channel_kind.hpp"

#include <utility>

namespace factory {

const channel_kind& kind_of_channel(channel_type type) {
  static constexpr channel_kind webhook{webhook_content, webhook_request};
  static constexpr channel_kind alertmanager{alertmanager_content, alertmanager_request};
  static constexpr channel_kind email{email_content, email_request};
  switch (type) {
    case channel_type::alertmanager: return alertmanager;
    case channel_type::email: return email;
    case channel_type::webhook: break;
  }
  return webhook;
}

transfer transfer_to(const channel_entry& to, std::string content) {
  transfer out;
  out.url = to.url;
  out.content = std::move(content);
  out.timeout_us = to.timeout_us;
  out.allow_private = to.allow_private;
  out.allow_plaintext = to.allow_plaintext;
  return out;
}

}  // namespace factory
