import text from "../THIRD-PARTY-NOTICES.md" with { type: "text" };

/** The licences of what the executable holds, for `vigia --notices`. */
export const NOTICES: string = text;
