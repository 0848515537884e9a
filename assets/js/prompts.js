// Prompts: what was typed into a system message is never lost without a word. Whatever leaves the message asks first: a
// link with our own question, a reload or a closed window with the browser's; so does what would overwrite it.
(() => {
  const BOXES = "#prompts-message-name, #prompts-message-intent, #prompts-message-text";
  const LEAVING = "#prompts-message-restore, #prompts-message-thing-rename, #prompts-message-thing-delete";
  let dirty = false;

  document.addEventListener("input", (event) => {
    if (event.isTrusted && event.target.closest?.(BOXES)) dirty = true;
  });
  window.understudy.guard(() => dirty, () => (dirty = false), LEAVING);
  // Where a handler that did what it was asked leads on; one that failed leaves what was typed as it was.
  window.understudy.leave = (url) => {
    dirty = false;
    location.href = url;
  };
})();
