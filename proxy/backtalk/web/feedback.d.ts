/** Types of /feedback.js; `docs/browser.md` says what each does. */
export type Ask = "none" | "inline" | "prominent";
export interface Item { id?: string; kind?: string; value?: unknown; [field: string]: unknown }
export interface Options {
  token: string;
  ask?: Ask;
  url?: string;
  container?: Element;
  text?: string | (() => string);
  streaming?: boolean;
  stop?: EventTarget;
  textarea?: HTMLTextAreaElement;
  labels?: Partial<Record<string, string>>;
  onSent?: (feedbackId: string | undefined, item: Item) => void;
  onError?: (refusal: { code?: string; message?: string }, item: Item) => void;
}
export interface Answer {
  rate(value: boolean): void;
  comment(text: string): void;
  correct(better: string | object): void;
  undo(): void;
  event(name: string, more?: { distance?: number; duration_s?: number }): void;
  inserted(): void;
  accepted(): void;
  shared(): void;
  undone(): void;
  stopped(): void;
  done(finishReason?: string): void;
  track(textarea: HTMLTextAreaElement): void;
  flush(): Promise<void>;
  detach(): void;
}
export function attach(element: Element, options: Options): Answer;
export function fromResponse(response: Response): { token?: string; ask?: Ask };
export function distance(before: string, after: string): number;
declare const backtalk: { url: string; attach: typeof attach; fromResponse: typeof fromResponse; distance: typeof distance };
export default backtalk;
