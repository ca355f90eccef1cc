"""The two dialects: HL7 mCODE and the German Medical Informatics Initiative."""
