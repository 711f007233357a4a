#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "http/notify/channel_kind.hpp"

namespace factory {

std::string webhook_signature(std::string_view secret, std::string_view id, std::int64_t seconds, std::string_view content) {
  std::string text(id);
  text.append(".").append(std::to_string(seconds)).append(".").append(content);
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned length = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), hash.data(), &length);
  std::array<unsigned char, 64> base64{};
  const int size = EVP_EncodeBlock(base64.data(), hash.data(), static_cast<int>(length));
  return "v1," + std::string(reinterpret_cast<const char*>(base64.data()), static_cast<std::size_t>(size));
}

std::string webhook_content(const channel_entry&, const notice& what) { return notice_json(what); }

transfer webhook_request(const channel_entry& to, const delivery& what, std::int64_t now_us) {
  transfer out = transfer_to(to, what.content);
  const std::int64_t seconds = now_us / 1'000'000;
  out.headers = {"Content-Type: application/json", "User-Agent: factory-monitor", "webhook-id: " + what.notification,
                 "webhook-timestamp: " + std::to_string(seconds)};
  if (!to.secret.empty())
    out.headers.push_back("webhook-signature: " + webhook_signature(to.secret, what.notification, seconds, what.content));
  return out;
}

}  // namespace factory
